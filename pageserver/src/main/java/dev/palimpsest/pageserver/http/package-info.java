/**
 * The management API over HTTP: what a request asks for, checked, becomes a call of {@link
 * dev.palimpsest.pageserver.branch.BranchService}, and what comes of it becomes JSON, a page or an archive. Paths below {@code
 * /v1} and their fields are those of Neon's pageserver; what that does not have is below {@code /palimpsest/v1}. Must not know
 * how a branch works.
 */
@NullMarked
package dev.palimpsest.pageserver.http;

import org.jspecify.annotations.NullMarked;
