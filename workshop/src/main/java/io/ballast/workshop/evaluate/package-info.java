/** Measures a decoder by what the simulated programmer makes of its suggestions. */
@NullMarked
package io.ballast.workshop.evaluate;

import org.jspecify.annotations.NullMarked;
