// SPDX-License-Identifier: MIT
namespace Tombolo.Regions;

/// <summary>Something wrong in a layout file.</summary>
/// <param name="File">The file, as it was named.</param>
/// <param name="Line">Line, from 1.</param>
/// <param name="Column">Column in characters, from 1.</param>
/// <param name="Path">Where in the document: <c>$.vsoc_device_regions[2].device_name</c>.</param>
/// <param name="Message">What, a sentence.</param>
public sealed record LayoutFault(string File, int Line, int Column, string Path, string Message)
{
    /// <summary>The fault as a compiler would print it.</summary>
    public override string ToString() => $"{File}:{Line}:{Column}: {Path}: {Message}";
}

/// <summary>What came of reading a layout file.</summary>
/// <param name="Layout">The layout; null where there are faults.</param>
/// <param name="Faults">Everything that is wrong, in the order of the file.</param>
public sealed record LayoutReading(RegionLayout? Layout, IReadOnlyList<LayoutFault> Faults);
