// SPDX-License-Identifier: MIT
namespace Tombolo.Fuzz;

/// <summary>Something that must hold does not.</summary>
/// <param name="message">One sentence: what was expected, and what was seen.</param>
internal sealed class FuzzFinding(string message) : Exception(message)
{
    /// <summary>Throws unless a condition holds.</summary>
    public static void Require(bool condition, string message)
    {
        if (!condition) throw new FuzzFinding(message);
    }
}
