/** What components promise, each alone. */
@NullMarked
package io.ballast.reward.component;

import org.jspecify.annotations.NullMarked;
