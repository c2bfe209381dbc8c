/** What runs in a process of its own beside untrusted code; it sees nothing but the JDK. */
@NullMarked
package io.ballast.reward.sandbox;

import org.jspecify.annotations.NullMarked;
