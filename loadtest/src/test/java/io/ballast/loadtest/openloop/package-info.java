/** The open loop under a clock that the tests turn. */
@NullMarked
package io.ballast.loadtest.openloop;

import org.jspecify.annotations.NullMarked;
