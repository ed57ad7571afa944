/** A real S3 server for tests, and a proxy to put in front of it that breaks what passes as networks and servers do. */
@NullMarked
package dev.palimpsest.testkit.s3;

import org.jspecify.annotations.NullMarked;
