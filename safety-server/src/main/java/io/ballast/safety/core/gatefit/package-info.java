/** Makes display gates of what people did with suggestions, and judges gates by it. */
@NullMarked
package io.ballast.safety.core.gatefit;

import org.jspecify.annotations.NullMarked;
