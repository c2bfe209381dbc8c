/** Conversations as the text that a model was taught to answer. */
@NullMarked
package io.ballast.inference.chat;

import org.jspecify.annotations.NullMarked;
