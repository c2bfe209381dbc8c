/** Benchmarks: each figure beside the baseline that it has to come near, measured in one run. */
@NullMarked
package io.ballast.loadtest.bench;

import org.jspecify.annotations.NullMarked;
