// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>One buffer that a driver made available: a chain of descriptors. Its bytes are in the <see cref="ChainBuffers"/> that it was taken into.</summary>
/// <param name="Id">What names it to the driver when it is given back.</param>
/// <param name="Descriptors">How many places it takes in a packed ring; 1 in a split one.</param>
/// <param name="ReadableBytes">How many bytes it brings.</param>
/// <param name="WritableBytes">How many bytes it has room for.</param>
public readonly record struct Chain(ushort Id, ushort Descriptors, int ReadableBytes, int WritableBytes);
