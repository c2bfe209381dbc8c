/** Scores a data set with a mesh that refuses, fails and goes away, and is killed meanwhile. */
@NullMarked
package io.ballast.bulk;

import org.jspecify.annotations.NullMarked;
