/** The load generator's command: what is called, how the result is shown. */
@NullMarked
package io.ballast.loadtest;

import org.jspecify.annotations.NullMarked;
