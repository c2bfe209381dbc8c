/** Lets a decoder suggest at real positions and writes down what came of it. */
@NullMarked
package io.ballast.workshop.collect;

import org.jspecify.annotations.NullMarked;
