/**
 * Work that is done on timelines in the background, whatever it is: which timeline is being worked on, which has to wait because
 * the work failed there, and which counts as broken.
 */
@NullMarked
package dev.palimpsest.storage.jobs;

import org.jspecify.annotations.NullMarked;
