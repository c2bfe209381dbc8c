/** What a completion may look like: regular expressions and JSON schemas as automata over bytes. */
@NullMarked
package io.ballast.inference.grammar;

import org.jspecify.annotations.NullMarked;
