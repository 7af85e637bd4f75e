// SPDX-License-Identifier: MIT
namespace Tombolo.Grants.Conformance;

/// <summary>A back end does not do what it must.</summary>
public sealed class CheckException(string message, Exception? inner = null) : Exception(message, inner);
