/**
 * {@code ./mesh demo}: a stranger's first five minutes. Talks to the mesh through gRPC alone; only
 * the simulated programmer, and the judge built on it, know what the files really say.
 */
@NullMarked
package io.ballast.standalone.demo;

import org.jspecify.annotations.NullMarked;
