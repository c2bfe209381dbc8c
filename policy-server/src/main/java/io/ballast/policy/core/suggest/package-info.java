/** From a prompt to a suggestion that is shown, withheld or blocked, with the reason. */
@NullMarked
package io.ballast.policy.core.suggest;

import org.jspecify.annotations.NullMarked;
