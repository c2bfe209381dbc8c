/** Asks a candidate what the version that serves was asked, and compares what they say. */
@NullMarked
package io.ballast.kit.shadow;

import org.jspecify.annotations.NullMarked;
