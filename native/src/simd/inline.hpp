// What the compiler is told of a function: always in line; never; never and small rather than fast.
#ifndef JBATCHNORM_SRC_INLINE_HPP
#define JBATCHNORM_SRC_INLINE_HPP

#if defined(__GNUC__)
#define JBN_INLINE __attribute__((always_inline)) inline
#define JBN_OUTLINE __attribute__((noinline))
#define JBN_RARE __attribute__((noinline, cold))
#else
#define JBN_INLINE inline
#define JBN_OUTLINE
#define JBN_RARE
#endif

#endif  // JBATCHNORM_SRC_INLINE_HPP
