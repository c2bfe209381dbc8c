/** Who asks, what they may do, and the certificates by which both sides of a connection know. */
@NullMarked
package io.ballast.kit.security;

import org.jspecify.annotations.NullMarked;
