package dev.palimpsest.storage.runtime;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks the few classes that may touch the real clock, real threads and real files. The build bans those everywhere
 * else in the engine, so that a simulation replaces all of them by replacing these.
 */
@Documented
@Retention(RetentionPolicy.CLASS)
@Target(ElementType.TYPE)
public @interface OutsideWorld {}
