// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Fabric.Reading;
using Tombolo.Fabric.Yaml;
using Tombolo.Regions;

namespace Tombolo.Fabric;

/// <summary>What came of reading a <c>fabric.yaml</c>.</summary>
/// <param name="Declaration">The declaration; null where there are faults.</param>
/// <param name="Faults">Everything that is wrong, in the order of the file; empty where there is a declaration.</param>
public sealed record FabricReading(FabricDeclaration? Declaration, IReadOnlyList<Fault> Faults);

/// <summary>Reads <c>fabric.yaml</c>. A pure function of its bytes, its place and the runtime root: nothing of the host is looked at.</summary>
public static class FabricFile
{
    /// <summary>What the file is called where nobody says otherwise.</summary>
    public const string DefaultName = "fabric.yaml";

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file; relative paths in it begin in its folder.</param>
    /// <param name="runtimeRoot">Where its sockets would be; null for <see cref="FabricPaths.DefaultRoot"/>.</param>
    /// <returns>A file that cannot be read is a fault too, and so is what is wrong in the layout files that it names.</returns>
    public static FabricReading Load(string path, string? runtimeRoot = null)
    {
        try { return WithLayouts(Parse(File.ReadAllBytes(path), path, runtimeRoot)); }
        catch (IOException exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return new(null, [new(path, 1, 1, "There is no such file; 'tombolo init' writes one to begin with.")]);
        }
        catch (IOException exception) { return new(null, [new(path, 1, 1, $"The file cannot be read: {exception.Message}")]); }
        catch (UnauthorizedAccessException) { return new(null, [new(path, 1, 1, "The file cannot be read: permission denied.")]); }
    }

    // The layouts are files of their own: their faults are told with their own places.
    private static FabricReading WithLayouts(FabricReading reading)
    {
        if (reading.Declaration is not { } declaration) return reading;
        Fault[] faults = [.. declaration.Regions.SelectMany(LayoutFaults)];
        return faults.Length == 0 ? reading : new(null, faults);
    }

    private static IEnumerable<Fault> LayoutFaults(RegionsDeclaration window)
    {
        LayoutReading read = LayoutFile.Load(window.Layout);
        foreach (LayoutFault fault in read.Faults) yield return new(fault.File, fault.Line, fault.Column, $"{fault.Message} (At {fault.Path}.)");
        if (read.Layout is not { } layout) yield break;
        if (window.Vectors is { } vectors && vectors < layout.Regions.Count)
            yield return new(window.Layout, 1, 1, $"The layout has {layout.Regions.Count} regions, and 'vectors' of regions {window.Name} is {vectors}; the machine needs one for each.");
        foreach (string name in window.Rules.Select(rule => rule.Region).OfType<string>().Distinct().Where(name => layout.IndexOf(name) < 0))
            yield return new(window.Layout, 1, 1, $"Policy names region '{name}' of regions {window.Name}, which the layout does not have; {Sentences.DidYouMean(name, [.. layout.Regions.Select(region => region.Name)], "there are none.")}");
    }

    /// <summary>Reads a text.</summary>
    /// <param name="bytes">The text in UTF-8; any bytes are taken, and end in faults if they must.</param>
    /// <param name="path">How faults name it, and where relative paths begin.</param>
    /// <param name="runtimeRoot">Where its sockets would be; null for <see cref="FabricPaths.DefaultRoot"/>.</param>
    public static FabricReading Parse(ReadOnlySpan<byte> bytes, string path, string? runtimeRoot = null)
    {
        var faults = new FaultList(path);
        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        YamlNode? root = YamlReader.Read(bytes, faults);
        FabricDeclaration? declaration = root is null ? null : new FabricReader(new(faults, folder), runtimeRoot ?? FabricPaths.DefaultRoot).Read(root);
        return new(faults.Any ? null : declaration, faults.Sorted);
    }

    /// <summary>A first <c>fabric.yaml</c> with a comment on every line that somebody may want to change.</summary>
    /// <param name="name">The fabric's name.</param>
    /// <param name="machines">How many machines, 1..99.</param>
    /// <param name="schema">Path or address of the JSON Schema for editors; null for none.</param>
    public static string Template(string name = "demo", int machines = 2, string? schema = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(machines);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(machines, 99);
        var text = new StringBuilder(schema is null ? "" : $"# yaml-language-server: $schema={schema}\n").Append(
            $$"""
            # A world of machines joined by shared memory. 'tombolo validate' checks it, 'tombolo up' makes it so.
            fabric: {{name}}

            mailboxes:
              genz:              # its socket is genz.sock in the fabric's state folder ('tombolo status' shows where)
                clients: 14      # places for machines and host programs, 1 to 254
                slot: 512        # bytes of a slot: messages of slot - 129 bytes

            machines:

            """);
        for (int i = 0; i < machines; i++)
            _ = text.Append(System.Globalization.CultureInfo.InvariantCulture, $"  vm{i}: {{ image: demo, memory: 256M, attach: genz }}\n");
        return text.ToString();
    }
}
