/** Decoders that run elsewhere, behind somebody else's protocol. */
@NullMarked
package io.ballast.inference.remote;

import org.jspecify.annotations.NullMarked;
