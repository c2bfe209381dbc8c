/** Who may join a batch, and when: plain Java, for one thread, with a clock of the caller's. */
@NullMarked
package io.ballast.inference.schedule;

import org.jspecify.annotations.NullMarked;
