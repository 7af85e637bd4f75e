// SPDX-License-Identifier: MIT
namespace Tombolo.Architecture.Tests;

/// <summary>A small made-up repository on the disk, to see that a rule complains when it is broken.</summary>
internal sealed class FakeTree : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("tombolo-fake-");

    public SourceTree Tree => new(_root.FullName);

    public FakeTree File(string path, params string[] lines)
    {
        string full = Path.Combine(_root.FullName, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        System.IO.File.WriteAllLines(full, lines);
        return this;
    }

    public FakeTree Project(string name, params string[] references) => File(
        $"src/{name}/{name}.csproj",
        ["<Project><ItemGroup>", .. references.Select(to => $"<ProjectReference Include=\"../{to}/{to}.csproj\" />"), "</ItemGroup></Project>"]);

    /// <summary>A file of Tombolo.Fabric with one line that the rule shall see.</summary>
    public FakeTree Code(params string[] lines) => File("src/Tombolo.Fabric/A.cs", ["// SPDX-License-Identifier: MIT", .. lines]);

    public void Dispose() => _root.Delete(recursive: true);
}
