/** The benchmarks' own arithmetic, and that baseline and engine do the same work. */
@NullMarked
package io.ballast.loadtest.bench;

import org.jspecify.annotations.NullMarked;
