/** The high-confidence safety test of a candidate, and the certificates that come of it. */
@NullMarked
package io.ballast.safety.core.safetytest;

import org.jspecify.annotations.NullMarked;
