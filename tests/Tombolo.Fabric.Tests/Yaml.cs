// SPDX-License-Identifier: MIT
using System.Text;
using Shouldly;

namespace Tombolo.Fabric.Tests;

/// <summary>Reads texts as the file /home/demo/fabric.yaml with its sockets under /run/t.</summary>
internal static class Yaml
{
    public static FabricReading Read(string text) => FabricFile.Parse(Encoding.UTF8.GetBytes(text), "/home/demo/fabric.yaml", "/run/t");

    public static FabricDeclaration Good(string text)
    {
        FabricReading reading = Read(text);
        reading.Faults.Select(fault => fault.ToString()).ShouldBeEmpty();
        return reading.Declaration.ShouldNotBeNull();
    }

    /// <summary>The faults as "line:column: sentence".</summary>
    public static string[] Bad(string text)
    {
        FabricReading reading = Read(text);
        reading.Declaration.ShouldBeNull();
        return [.. reading.Faults.Select(fault => fault.ToString()["/home/demo/fabric.yaml:".Length..])];
    }
}
