// SPDX-License-Identifier: MIT
namespace Tombolo.Grants;

/// <summary>What each domain may have at once. Immutable; change with <c>with</c>.</summary>
public sealed record GrantQuotas
{
    /// <summary>Grants, each of one page or more, 1..1048576. Default 1024.</summary>
    public int Grants { get; init; } = 1024;
    /// <summary>Granted pages of 4096 bytes in all, 1..1048576. Default 65536 (256 MiB).</summary>
    public int Pages { get; init; } = 65536;
    /// <summary>Mappings of others' grants, 1..1048576. Default 4096.</summary>
    public int Mappings { get; init; } = 4096;
    /// <summary>Ports of event channels, 1..131072. Default 1024.</summary>
    public int Ports { get; init; } = 1024;

    /// <summary>What is wrong with these settings, a sentence each.</summary>
    public IEnumerable<string> Problems()
    {
        if (Grants is < 1 or > 1 << 20) yield return $"The quota of grants is {Grants}; it must be 1..1048576.";
        if (Pages is < 1 or > 1 << 20) yield return $"The quota of pages is {Pages}; it must be 1..1048576.";
        if (Mappings is < 1 or > 1 << 20) yield return $"The quota of mappings is {Mappings}; it must be 1..1048576.";
        if (Ports is < 1 or > 1 << 17) yield return $"The quota of ports is {Ports}; it must be 1..131072.";
    }
}
