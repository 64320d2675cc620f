// What the compiler is told of a function: always in line, or never.
#ifndef JBATCHNORM_SRC_INLINE_HPP
#define JBATCHNORM_SRC_INLINE_HPP

#if defined(__GNUC__)
#define JBN_INLINE __attribute__((always_inline)) inline
#define JBN_OUTLINE __attribute__((noinline))
#else
#define JBN_INLINE inline
#define JBN_OUTLINE
#endif

#endif  // JBATCHNORM_SRC_INLINE_HPP
