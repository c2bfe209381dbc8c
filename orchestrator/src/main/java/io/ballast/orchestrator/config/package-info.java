/** What an operator may set. */
@NullMarked
package io.ballast.orchestrator.config;

import org.jspecify.annotations.NullMarked;
