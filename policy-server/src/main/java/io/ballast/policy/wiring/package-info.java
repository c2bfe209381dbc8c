/** Builds the policy-server from its parts. */
@NullMarked
package io.ballast.policy.wiring;

import org.jspecify.annotations.NullMarked;
