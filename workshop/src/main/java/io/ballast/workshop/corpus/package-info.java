/** The Java sources that the default models are made from: fetched, cleaned and split. */
@NullMarked
package io.ballast.workshop.corpus;

import org.jspecify.annotations.NullMarked;
