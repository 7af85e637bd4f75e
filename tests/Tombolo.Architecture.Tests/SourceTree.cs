// SPDX-License-Identifier: MIT
using System.Xml.Linq;

namespace Tombolo.Architecture.Tests;

/// <summary>A project of <c>src</c> as its project file tells it.</summary>
internal sealed record Project(string Name, string Folder, IReadOnlyList<string> References);

/// <summary>A repository, or a made-up one: its projects and its C# files, read from the disk.</summary>
internal sealed class SourceTree(string root)
{
    private static readonly string[] _codeFolders = ["src", "tests", "samples", "bench", "fuzz"];
    private static readonly string[] _pageFolders = ["docs", "src", "samples", "examples", "guest", "bench", "fuzz", "packaging"];

    /// <summary>The repository this test was built in: the nearest folder above that holds the solution.</summary>
    public static SourceTree OfThisRepository()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Tombolo.slnx")))
                return new(folder.FullName);
        throw new InvalidOperationException($"There is no Tombolo.slnx in any folder above {AppContext.BaseDirectory}.");
    }

    public IReadOnlyList<Project> Projects => [.. Files("src", "*.csproj").Select(ReadProject)];

    /// <summary>Paths relative to the root, of every C# file under <c>src</c>.</summary>
    public IReadOnlyList<string> Sources => [.. Files("src", "*.cs").Select(Relative)];

    /// <summary>Paths relative to the root, of every C# file under <c>tests</c>.</summary>
    public IReadOnlyList<string> TestSources => [.. Files("tests", "*.cs").Select(Relative)];

    /// <summary>Paths relative to the root, of every page for people.</summary>
    public IReadOnlyList<string> Pages => [.. _pageFolders.SelectMany(folder => Files(folder, "*.md")).Select(Relative), .. Directory.EnumerateFiles(root, "*.md").Select(Relative)];

    /// <summary>Paths relative to the root, of every project there is.</summary>
    public IReadOnlyList<string> ProjectFiles => [.. _codeFolders.SelectMany(folder => Files(folder, "*.csproj")).Select(Relative)];

    public string[] Lines(string relativePath) => File.ReadAllLines(Path.Combine(root, relativePath));

    public void Write(string relativePath, IEnumerable<string> lines)
    {
        string path = Path.Combine(root, relativePath);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, string.Concat(lines.Select(static line => line + "\n")));
    }

    public bool Has(string relativePath) => File.Exists(Path.Combine(root, relativePath));

    private IEnumerable<string> Files(string folder, string pattern)
    {
        string start = Path.Combine(root, folder);
        if (!Directory.Exists(start)) return [];
        return Directory.EnumerateFiles(start, pattern, SearchOption.AllDirectories)
            .Where(path => !Path.GetRelativePath(start, path).Split('/').Any(part => part is "bin" or "obj" or "node_modules"))
            .Order(StringComparer.Ordinal);
    }

    private string Relative(string path) => Path.GetRelativePath(root, path);

    private Project ReadProject(string path)
    {
        IEnumerable<string> references = XDocument.Load(path).Descendants("ProjectReference")
            .Select(reference => reference.Attribute("Include")?.Value ?? "")
            .Select(include => Path.GetFileNameWithoutExtension(include.Replace('\\', '/')));
        return new(Path.GetFileNameWithoutExtension(path), Relative(Path.GetDirectoryName(path)!), [.. references]);
    }
}
