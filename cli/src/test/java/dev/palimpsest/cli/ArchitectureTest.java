package dev.palimpsest.cli;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The arrows of the design: {@code cli → pageserver → storage → postgres}, and what each module must not know. */
class ArchitectureTest {
    private static final JavaClasses PALIMPSEST = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .withImportOption(location -> !location.contains("-tests.jar"))
            .withImportOption(location -> !location.contains("/jmh_generated/"))
            .importPackages("dev.palimpsest");

    private static final DescribedPredicate<JavaClass> OURS = resideInAPackage("dev.palimpsest..");

    @Test
    void everyModuleIsSeen() {
        assertThat(PALIMPSEST.stream().map(c -> c.getPackageName().split("\\.")[2]))
                .contains("postgres", "storage", "pageapi", "pageserver", "benchmarks", "cli");
        assertThat(PALIMPSEST.stream().map(JavaClass::getPackageName)).contains("dev.palimpsest.storage.s3");
    }

    @Test
    void postgresDependsOnNothingOfOurs() {
        noClasses()
                .that()
                .resideInAPackage("dev.palimpsest.postgres..")
                .should()
                .dependOnClassesThat(OURS.and(DescribedPredicate.not(resideInAPackage("dev.palimpsest.postgres.."))))
                .check(PALIMPSEST);
    }

    @Test
    void postgresIsPure() {
        noClasses()
                .that()
                .resideInAPackage("dev.palimpsest.postgres..")
                .should()
                .dependOnClassesThat(resideInAnyPackage(
                                "java.io..", "java.net..", "java.nio.file..", "java.nio.channels..", "org.slf4j..")
                        .and(DescribedPredicate.not(exceptionsAndSerial())))
                .check(PALIMPSEST);
    }

    private static DescribedPredicate<JavaClass> exceptionsAndSerial() {
        return DescribedPredicate.describe(
                "exceptions and serialisation",
                c -> c.isAssignableTo(Throwable.class) || c.getName().equals("java.io.Serializable"));
    }

    @Test
    void storageKnowsOnlyPostgresBelowIt() {
        noClasses()
                .that()
                .resideInAPackage("dev.palimpsest.storage..")
                .should()
                .dependOnClassesThat(OURS.and(DescribedPredicate.not(
                        resideInAnyPackage("dev.palimpsest.storage..", "dev.palimpsest.postgres.."))))
                .check(PALIMPSEST);
    }

    @Test
    void storageTakesOnlyLsnsAndPageSizesFromPostgres() {
        noClasses()
                .that()
                .resideInAPackage("dev.palimpsest.storage..")
                .should()
                .dependOnClassesThat(resideInAPackage("dev.palimpsest.postgres..")
                        .and(DescribedPredicate.describe(
                                "more than Lsn and PageLayout",
                                c -> !c.getSimpleName().equals("Lsn")
                                        && !c.getSimpleName().equals("PageLayout"))))
                .check(PALIMPSEST);
    }

    @Test
    void pageserverKnowsOnlyWhatIsBelowIt() {
        noClasses()
                .that()
                .resideInAPackage("dev.palimpsest.pageserver..")
                .should()
                .dependOnClassesThat(OURS.and(DescribedPredicate.not(resideInAnyPackage(
                        "dev.palimpsest.pageserver..",
                        "dev.palimpsest.pageapi..",
                        "dev.palimpsest.storage..",
                        "dev.palimpsest.postgres.."))))
                .check(PALIMPSEST);
    }

    /** What is not started is not loaded. A client is needed to measure it. */
    @Test
    void onlyTheGrpcPackageKnowsGrpc() {
        noClasses()
                .that()
                .resideOutsideOfPackages("dev.palimpsest.pageserver.grpc", "dev.palimpsest.pageapi")
                .and()
                .doNotHaveFullyQualifiedName("dev.palimpsest.benchmarks.GrpcPageReader")
                .should()
                .dependOnClassesThat(
                        resideInAnyPackage("dev.palimpsest.pageapi..", "io.grpc..", "com.google.protobuf.."))
                .check(PALIMPSEST);
        noClasses()
                .that()
                .resideInAPackage("dev.palimpsest.pageapi..")
                .should()
                .dependOnClassesThat(OURS.and(DescribedPredicate.not(resideInAPackage("dev.palimpsest.pageapi.."))))
                .check(PALIMPSEST);
    }

    @Test
    void onlyTheServerAsAWholeKnowsWhichObjectStoresThereAre() {
        noClasses()
                .that()
                .resideOutsideOfPackages("dev.palimpsest.storage.s3", "dev.palimpsest.pageserver")
                .should()
                .dependOnClassesThat(resideInAPackage("dev.palimpsest.storage.s3"))
                .check(PALIMPSEST);
    }

    @Test
    void onlyS3KnowsAmazonsLibrary() {
        noClasses()
                .that()
                .resideOutsideOfPackages("dev.palimpsest.storage.s3", "dev.palimpsest.testkit..")
                .should()
                .dependOnClassesThat(resideInAPackage("software.amazon.."))
                .check(PALIMPSEST);
    }

    @Test
    void s3IsAnObjectStoreAndKnowsNothingOfWhatIsInIt() {
        noClasses()
                .that()
                .resideInAPackage("dev.palimpsest.storage.s3")
                .should()
                .dependOnClassesThat(OURS.and(DescribedPredicate.not(resideInAnyPackage(
                        "dev.palimpsest.storage",
                        "dev.palimpsest.storage.s3",
                        "dev.palimpsest.storage.remote",
                        "dev.palimpsest.storage.context",
                        "dev.palimpsest.storage.runtime"))))
                .check(PALIMPSEST);
    }

    @Test
    void onlyTheFilePackageOpensFiles() {
        noClasses()
                .that()
                .resideInAPackage("dev.palimpsest.storage..")
                .and()
                .resideOutsideOfPackage("dev.palimpsest.storage.file")
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.nio.file.Files")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.nio.channels.FileChannel")
                .check(PALIMPSEST);
    }

    @Test
    void packagesOfAModuleHaveNoCycles() {
        for (String module : List.of("postgres", "storage", "pageserver", "cli", "benchmarks")) {
            slices().matching("dev.palimpsest." + module + ".(**)")
                    .should()
                    .beFreeOfCycles()
                    .allowEmptyShould(true)
                    .check(PALIMPSEST);
        }
    }

    @Test
    void everyPackageSaysWhatItIsForAndIsNullMarked() {
        TreeSet<String> packages = new TreeSet<>();
        List<String> described = new ArrayList<>();
        for (JavaClass c : PALIMPSEST) {
            if (c.getSimpleName().equals("package-info")) {
                described.add(c.getPackageName());
            } else {
                packages.add(c.getPackageName());
            }
        }
        assertThat(described).containsAll(packages);
    }

    @Test
    void namesThatSayNothingAreNotUsed() {
        classes()
                .that()
                .resideInAPackage("dev.palimpsest..")
                .should()
                .haveSimpleNameNotEndingWith("Manager")
                .andShould()
                .haveSimpleNameNotEndingWith("Util")
                .andShould()
                .haveSimpleNameNotEndingWith("Utils")
                .andShould()
                .haveSimpleNameNotEndingWith("Helper")
                .andShould()
                .haveSimpleNameNotEndingWith("Impl")
                .check(PALIMPSEST);
    }
}
