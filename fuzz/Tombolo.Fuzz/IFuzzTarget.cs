// SPDX-License-Identifier: MIT
namespace Tombolo.Fuzz;

/// <summary>One piece of code that takes bytes of another party, and what must hold whatever the bytes are.</summary>
internal interface IFuzzTarget : IDisposable
{
    /// <summary>Its name, and that of its folder in the corpus.</summary>
    string Name { get; }

    /// <summary>Words of the format, for the mutator to put in.</summary>
    IReadOnlyList<byte[]> Words { get; }

    /// <summary>Inputs that reach far from the start; the corpus folder adds to them.</summary>
    IEnumerable<byte[]> Seeds();

    /// <summary>Runs one input.</summary>
    /// <param name="input">Any bytes.</param>
    /// <returns>What it led to, in a word or two: an input with a new outcome is worth changing further. Of few values; no numbers of the input in it.</returns>
    /// <exception cref="Exception">Any exception at all is a finding.</exception>
    string Run(ReadOnlySpan<byte> input);
}
