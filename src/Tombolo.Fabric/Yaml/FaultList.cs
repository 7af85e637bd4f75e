// SPDX-License-Identifier: MIT
namespace Tombolo.Fabric.Yaml;

/// <summary>Collects what is wrong with one file.</summary>
/// <param name="file">The file's name, for the faults.</param>
internal sealed class FaultList(string file)
{
    private const int Most = 1000;   // nobody reads more; a hostile file must not make us hold more
    private readonly List<Fault> _faults = [];

    /// <summary>All faults in the order of the file.</summary>
    public IReadOnlyList<Fault> Sorted => [.. _faults.Distinct().Order()];

    public bool Any => _faults.Count > 0;

    public void Add(Place place, string sentence)
    {
        if (_faults.Count < Most) _faults.Add(new(file, place.Line, place.Column, sentence));
    }
}
