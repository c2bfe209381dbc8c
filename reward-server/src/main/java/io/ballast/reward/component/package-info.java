/**
 * Rewards that are made of components: learned ensembles beside verifiers, penalties and remote
 * rewards, in one expression. A component is one file; {@link
 * io.ballast.reward.component.ComponentKind} lists them.
 */
@NullMarked
package io.ballast.reward.component;

import org.jspecify.annotations.NullMarked;
