/**
 * S3, and what speaks its protocol, as an {@link dev.palimpsest.storage.remote.ObjectStore}. The only package that knows the
 * vendor's library; knows nothing of what is in the objects, and leaves retries, limits and metering to the wrappers of the
 * port.
 */
@NullMarked
package dev.palimpsest.storage.s3;

import org.jspecify.annotations.NullMarked;
