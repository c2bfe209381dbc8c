/** Makes all default models, and gathers the workshop's commands under one. */
@NullMarked
package io.ballast.workshop.make;

import org.jspecify.annotations.NullMarked;
