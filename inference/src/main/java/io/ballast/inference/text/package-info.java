/** A completion's text as its tokens arrive: plain Java, the same wherever the tokens are drawn. */
@NullMarked
package io.ballast.inference.text;

import org.jspecify.annotations.NullMarked;
