/** Watches canaries: what they do to people, and what follows from it. */
@NullMarked
package io.ballast.safety.core.canary;

import org.jspecify.annotations.NullMarked;
