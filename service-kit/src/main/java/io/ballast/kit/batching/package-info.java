/** Makes batches of what many callers ask of one model. Plain Java; knows no model. */
@NullMarked
package io.ballast.kit.batching;

import org.jspecify.annotations.NullMarked;
