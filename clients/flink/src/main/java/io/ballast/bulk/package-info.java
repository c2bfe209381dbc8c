/** Scores a data set with a mesh, by a Flink job whose output has each row exactly once. */
@NullMarked
package io.ballast.bulk;

import org.jspecify.annotations.NullMarked;
