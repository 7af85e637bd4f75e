// SPDX-License-Identifier: MIT
namespace Tombolo.Cli.Editing;

/// <summary>The lines that were entered, oldest first, and a place among them that the arrow keys move.</summary>
/// <remarks>A history that cannot be saved is no reason to disturb the user: failures to read or write its file are passed over.</remarks>
internal sealed class History
{
    /// <summary>How many lines are kept.</summary>
    public const int MaxLines = 1000;

    private readonly List<string> _lines = [];
    private readonly string? _path;
    private int _place;
    private string _unfinished = "";

    /// <summary>Reads what was saved.</summary>
    /// <param name="path">Where lines are kept; null keeps them in memory only.</param>
    public History(string? path = null)
    {
        _path = path;
        if (path is null) return;
        try { _lines.AddRange(File.ReadLines(path).TakeLast(MaxLines)); }
        catch (IOException) { }
        catch (UnauthorizedAccessException) { }
        _place = _lines.Count;
    }

    /// <summary>All lines, oldest first.</summary>
    public IReadOnlyList<string> Lines => _lines;

    /// <summary>The user's history file. Source: XDG Base Directory Specification, XDG_STATE_HOME.</summary>
    public static string PathOfUser(Func<string, string?> environment)
    {
        string? state = environment("XDG_STATE_HOME");
        if (string.IsNullOrEmpty(state) || !Path.IsPathRooted(state)) state = Path.Combine(environment("HOME") ?? "/", ".local", "state");
        return Path.Combine(state, "tombolo", "client_history");
    }

    /// <summary>Remembers an entered line; blank ones and repetitions of the last are not worth it.</summary>
    public void Add(string line)
    {
        if (line.Trim().Length > 0 && (_lines.Count == 0 || _lines[^1] != line))
        {
            _lines.Add(line);
            if (_lines.Count > MaxLines) _lines.RemoveAt(0);
            Save();
        }
        _place = _lines.Count;
        _unfinished = "";
    }

    /// <summary>The line before the present place.</summary>
    /// <param name="present">What stands in the editor; kept, to be found again at the end.</param>
    /// <returns>Null at the oldest one.</returns>
    public string? Older(string present)
    {
        if (_place == 0) return null;
        if (_place == _lines.Count) _unfinished = present;
        return _lines[--_place];
    }

    /// <summary>The line after the present place; after the newest comes what was being written.</summary>
    /// <returns>Null at the end.</returns>
    public string? Newer()
    {
        if (_place == _lines.Count) return null;
        return ++_place == _lines.Count ? _unfinished : _lines[_place];
    }

    private void Save()
    {
        if (_path is null) return;
        try
        {
            _ = Directory.CreateDirectory(Path.GetDirectoryName(_path)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            // Written beside and moved into place: another client at work at the same time never sees half a file.
            string fresh = $"{_path}.{Environment.ProcessId}";
            using (StreamWriter writer = new(fresh, new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }))
                foreach (string line in _lines) writer.WriteLine(line);
            File.Move(fresh, _path, overwrite: true);
        }
        catch (IOException) { }
        catch (UnauthorizedAccessException) { }
    }
}
