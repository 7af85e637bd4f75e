// SPDX-License-Identifier: MIT
namespace Tombolo.Bench;

/// <summary>The same measured several times.</summary>
internal sealed class Sample
{
    private readonly List<double> _values = [];

    public void Add(double value) => _values.Add(value);

    public double Median => _values.Order().ElementAt(_values.Count / 2);

    public double Min => _values.Min();

    public double Max => _values.Max();
}
