/** Versions of the policy, the aliases that point to them, and the decoders that serve them. */
@NullMarked
package io.ballast.policy.core.version;

import org.jspecify.annotations.NullMarked;
