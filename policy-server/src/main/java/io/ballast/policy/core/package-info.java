/** The words that the policy-server's decisions share: who asks, which version, how to draw. */
@NullMarked
package io.ballast.policy.core;

import org.jspecify.annotations.NullMarked;
