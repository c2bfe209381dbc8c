/** What people did with suggestions: recorded exactly once, joined, and read in a stable order. */
@NullMarked
package io.ballast.policy.core.feedback;

import org.jspecify.annotations.NullMarked;
