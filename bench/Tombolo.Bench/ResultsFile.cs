// SPDX-License-Identifier: MIT
namespace Tombolo.Bench;

/// <summary>The file of results: a section a part. A part that is measured again replaces its section; the others stay.</summary>
internal sealed class ResultsFile
{
    private const string Mark = "## ";
    private static readonly string[] _head =
    [
        "# Results",
        "Written by `make bench`, a section a part, each under the conditions it names. No test asserts any of these figures; they are what one machine did on one day.",
        "",
    ];
    private readonly string _path;
    private readonly List<(string Title, IReadOnlyList<string> Lines)> _sections = [];

    private ResultsFile(string path) => _path = path;

    /// <summary>Reads what is there; a file that does not exist is one without sections.</summary>
    public static ResultsFile Open(string path)
    {
        var file = new ResultsFile(path);
        List<string>? lines = null;
        foreach (string line in File.Exists(path) ? File.ReadLines(path) : [])
        {
            if (line.StartsWith(Mark, StringComparison.Ordinal)) file._sections.Add((line[Mark.Length..], lines = []));
            else lines?.Add(line);
        }
        return file;
    }

    /// <summary>Puts a section in its predecessor's place, or at the end.</summary>
    public void Put(string title, IReadOnlyList<string> lines)
    {
        int at = _sections.FindIndex(section => section.Title == title);
        if (at >= 0) _sections[at] = (title, [.. lines, ""]);
        else _sections.Add((title, [.. lines, ""]));
    }

    /// <summary>Writes it.</summary>
    public void Save() => File.WriteAllLines(_path, [.. _head, .. _sections.SelectMany(section => (IEnumerable<string>)[Mark + section.Title, .. section.Lines])]);
}
