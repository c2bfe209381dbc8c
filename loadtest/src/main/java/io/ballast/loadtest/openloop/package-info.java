/** Calls at a given rate, whatever becomes of them, and how long each took. Plain Java. */
@NullMarked
package io.ballast.loadtest.openloop;

import org.jspecify.annotations.NullMarked;
