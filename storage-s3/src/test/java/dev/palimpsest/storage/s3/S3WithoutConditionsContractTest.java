package dev.palimpsest.storage.s3;

/** The same of a service that decides no conditions. */
class S3WithoutConditionsContractTest extends S3ContractTest {
    @Override
    ConditionalPuts conditions() {
        return ConditionalPuts.NONE;
    }
}
